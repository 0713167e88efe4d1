// The texts of the page: English and Chinese.
export const texts = {
  "lives": ["Lives", "直播"], "past": ["Past shows", "回放"], "studio": ["Studio", "直播间"], "desk": ["Desk", "管理"], "me": ["My account", "我的账户"],
  "skip": ["Skip to content", "跳到内容"], "menu": ["Main", "主导航"], "close": ["Close", "关闭"], "cancel": ["Cancel", "取消"], "back": ["Back", "返回"],
  "language": ["中文", "English"], "language.label": ["中: switch the language to Chinese", "EN: 切换为英文"],
  "scheme.dark": ["Dark colours", "深色"], "scheme.light": ["Light colours", "浅色"], "copy": ["Copy", "复制"], "copied": ["Copied", "已复制"], "show": ["Show", "显示"], "hide": ["Hide", "隐藏"],
  "docs": ["API documentation", "接口文档"], "retry": ["Try again", "重试"], "loading": ["Loading…", "加载中…"], "more": ["Load more", "加载更多"],

  "signin": ["Sign in", "登录"], "signup": ["Create account", "注册"], "signout": ["Sign out", "退出登录"], "username": ["Username", "用户名"], "password": ["Password", "密码"],
  "signup.hint": ["At least 6 characters", "至少 6 个字符"], "to.signup": ["New here? Create an account", "没有账户？立即注册"], "to.signin": ["Have an account? Sign in", "已有账户？登录"],
  "why.comment": ["Sign in to comment.", "登录后即可发言。"], "why.gift": ["Sign in to send gifts.", "登录后即可送礼。"], "why.studio": ["Sign in to go live.", "登录后即可开播。"], "why.me": ["Sign in to see your account.", "登录后查看账户。"], "why.none": ["Sign in to join in.", "登录后参与互动。"],

  "search": ["Search lives", "搜索直播"], "onair": ["On air", "直播中"], "live": ["LIVE", "直播"], "paused": ["Paused", "已暂停"], "ended": ["Ended", "已结束"], "notstarted": ["Not started", "未开始"],
  "none.onair": ["Nobody is on air right now", "现在没有人在直播"], "none.onair.text": ["Be the first: open the studio and go live.", "来做第一个主播吧。"], "none.found": ["No live matches “{text}”", "没有找到“{text}”"],
  "none.past": ["No recorded shows yet", "还没有回放"], "none.past.text": ["Recorded shows appear here when they have ended.", "录制的直播结束后会出现在这里。"], "open.studio": ["Open the studio", "进入直播间"],
  "watching": ["{n} watching", "{n} 人在看"], "seen": ["Seen by {n}", "{n} 人看过"], "coins": ["{n} coins", "{n} 金币"],

  "chat": ["Chat", "聊天"], "viewers": ["Viewers", "观众"], "comment": ["Say something…", "说点什么…"], "comment.label": ["Comment", "评论"], "send": ["Send", "发送"],
  "joined": ["{name} joined", "{name} 进入直播间"], "joined.many": ["{n} viewers joined", "{n} 位观众进入"], "gave": ["sent {gift} ×{n}", "送出 {gift} ×{n}"], "chat.empty": ["No comments yet. Say hello!", "还没有评论，打个招呼吧！"],
  "chat.signin": ["Sign in to read and join the chat.", "登录后即可查看并参与聊天。"], "new.comments": ["New comments", "新评论"], "streamer": ["Streamer", "主播"], "ban": ["Ban from this live", "禁入本直播间"], "ban.hour": ["for an hour", "1 小时"], "ban.good": ["for good", "永久"], "ban.done": ["{name} is banned from this live.", "已禁止 {name} 进入本直播间。"],
  "remove": ["Remove this comment", "删除此评论"], "remove.done": ["The comment is removed.", "评论已删除。"], "mute.short": ["for 10 minutes", "10 分钟"], "mute.user": ["Mute in this live", "在本直播间禁言"],
  "note.refund": ["A gift of {name} was refunded: {n} coins.", "{name} 的礼物已退款：{n} 金币。"], "note.muted": ["{name} may not comment any more.", "{name} 已被禁言。"], "note.unmuted": ["{name} may comment again.", "{name} 已恢复发言。"],
  "mode.mute_all": ["Only the streamer and moderators may comment now.", "现在仅主播和房管可以发言。"], "mode.mute_all.off": ["Everybody may comment again.", "已恢复所有人发言。"],
  "mode.slow": ["Slow mode: one comment in {n} s.", "慢速模式：每 {n} 秒一条评论。"], "mode.slow.off": ["Slow mode is off.", "慢速模式已关闭。"],
  "mode.members": ["Only accounts older than {n} min may comment now.", "现在仅注册满 {n} 分钟的用户可以发言。"], "mode.members.off": ["New accounts may comment again.", "新注册用户可以发言了。"],
  "mode.links_off": ["Comments may not contain links now.", "现在评论不能包含链接。"], "mode.links_off.off": ["Comments may contain links again.", "评论可以包含链接了。"],
  "left.because": ["You cannot be in this live any more", "您已无法进入本直播间"],
  "gifts": ["Gifts", "礼物"], "gift.send": ["Send for {n} coins", "送出（{n} 金币）"], "gift.send.one": ["Send for 1 coin", "送出（1 金币）"], "gift.number": ["Number", "数量"], "balance": ["Balance", "余额"], "topup": ["Top up", "充值"], "gift.none": ["The gift shelf is empty.", "暂无礼物。"],
  "gift.few": ["You need {n} more coins.", "还差 {n} 金币。"], "topup.title": ["Top up coins", "充值金币"], "topup.test": ["This server runs in test mode: no money is charged.", "测试模式：不会真实扣费。"],
  "topup.pay": ["Get {n} coins", "获得 {n} 金币"], "topup.done": ["{n} coins were added.", "已到账 {n} 金币。"], "topup.off": ["Payments are made in the app of the operator.", "请在运营方的应用内充值。"],
  "share": ["Share", "分享"], "share.done": ["The link is copied.", "链接已复制。"],

  "play": ["Play", "播放"], "pause": ["Pause", "暂停"], "mute": ["Mute", "静音"], "unmute": ["Unmute", "取消静音"], "volume": ["Volume", "音量"], "fullscreen": ["Full screen", "全屏"], "pip": ["Picture in picture", "画中画"],
  "danmaku": ["Flying comments", "弹幕"], "danmaku.settings": ["Player settings", "播放设置"], "danmaku.speed": ["Speed", "速度"], "danmaku.opacity": ["Opacity", "不透明度"],
  "latency": ["{s} s behind", "延迟 {s} 秒"], "tap.sound": ["Tap for sound", "点按开启声音"], "tap.play": ["Tap to play", "点按播放"], "to.live": ["Back to live", "回到直播"],
  "video.waiting": ["Waiting for the stream…", "等待主播推流…"], "video.paused": ["The streamer has paused the live.", "主播暂时离开。"], "video.ended": ["This live has ended.", "直播已结束。"], "video.notstarted": ["This live has not started yet.", "直播尚未开始。"],
  "video.buffering": ["Buffering…", "缓冲中…"], "video.audio": ["Audio only", "仅有声音"], "video.fallback": ["Playing over {now}: {why}", "已切换为 {now}：{why}"], "video.retry": ["The stream was interrupted. Trying again…", "播放中断，正在重试…"], "video.unsupported": ["This browser cannot play the stream ({codec}).", "浏览器不支持该视频（{codec}）。"],
  "why.nomse": ["this browser has no Media Source", "浏览器不支持 MSE"], "why.network": ["the connection was interrupted", "连接中断"], "why.media": ["the player could not read the stream", "播放器无法解析"], "why.codec": ["FLV players cannot play {codec}", "FLV 不支持 {codec}"],
  "past.watch": ["Watch the replay", "观看回放"], "replay": ["Replay", "回放"], "replay.none": ["This show was not recorded.", "本场直播没有录像。"], "replay.wait": ["The recording is being prepared.", "录像正在生成。"], "replay.chat.none": ["The comments of a past show are visible to its streamer and to auditors.", "历史评论仅主播与审计员可见。"],

  "state.connecting": ["Connecting…", "连接中…"], "state.waiting": ["Connection lost. Reconnecting…", "连接已断开，正在重连…"], "state.joining": ["Catching up…", "正在同步…"], "state.open": ["Connected", "已连接"],
  "state.back": ["Back online: nothing was missed.", "已恢复连接，没有遗漏。"], "state.ended": ["You are signed out: {why}", "您已下线：{why}"],

  "me.purchases": ["Purchases and gifts", "充值与送礼记录"], "me.name": ["Display name", "昵称"], "save": ["Save", "保存"], "saved": ["Saved.", "已保存。"], "me.empty": ["No purchases or gifts yet.", "暂无记录。"], "when": ["When", "时间"], "what": ["What", "内容"], "change": ["Change", "变动"], "after": ["Balance", "余额"],
  "entry.topup": ["Top-up", "充值"], "entry.gift": ["Gift in live {live}", "直播 {live} 中送礼"], "entry.received": ["Gift received", "收到礼物"], "entry.other": ["Correction", "调整"],

  "studio.new": ["New live", "新建直播"], "studio.title": ["Title", "标题"], "studio.cover": ["Cover", "封面"], "studio.cover.hint": ["A picture, 16:9. You can also use a snapshot of your stream later.", "16:9 图片，也可稍后使用直播截图。"], "studio.create": ["Create live", "创建"], "studio.own": ["Your lives", "我的直播"],
  "studio.encoder": ["Encoder", "推流设置"], "studio.encoder.text": ["In OBS, open Settings, Stream, choose Custom, and enter these two. Set the keyframe interval to 2 s.", "在 OBS 的“设置 → 推流”中选择“自定义”，填入以下内容，关键帧间隔设为 2 秒。"], "studio.server": ["Server", "服务器"], "studio.key": ["Stream key", "推流码"], "studio.qr": ["Address for phones", "手机扫码推流"], "studio.key.permanent": ["Create a permanent key", "生成永久推流码"], "studio.key.new": ["The new key is shown. Earlier permanent keys are void.", "已生成新推流码，旧的永久推流码失效。"],
  "studio.start": ["Go on air", "开始直播"], "studio.resume": ["Resume", "继续直播"], "studio.pause": ["Pause", "暂停"], "studio.stop": ["End live", "结束直播"], "studio.stop.title": ["End this live?", "结束本场直播？"], "studio.stop.text": ["It cannot be resumed. Viewers see that it has ended.", "结束后无法恢复，观众会看到直播已结束。"], "studio.open": ["Open", "查看"], "studio.snapshot": ["Snapshot", "截图"], "studio.snapshot.none": ["There is no snapshot yet.", "暂无截图。"],
  "studio.health": ["Stream", "推流状态"], "studio.health.none": ["No stream yet. Start your encoder; its figures appear here.", "尚未推流，开始推流后显示数据。"], "studio.bitrate": ["Bitrate", "码率"], "studio.rate": ["Frames and sounds", "帧率（音视频）"], "studio.keyframes": ["Key frame interval", "关键帧间隔"], "studio.keyframes.long": ["The key frame interval is long: viewers wait for the picture. Set it to 2 s.", "关键帧间隔过长，建议设为 2 秒。"], "studio.size": ["Size", "分辨率"], "studio.players": ["Players", "播放数"], "studio.skips": ["Gaps of players", "播放卡顿"], "studio.lost": ["The encoder is lost. The server waits for it.", "推流中断，正在等待重连。"],
  "studio.gifts": ["Gifts", "收到的礼物"], "studio.gifts.none": ["No gifts yet.", "暂无礼物。"], "studio.who": ["From", "送礼人"], "studio.coins": ["Coins", "金币"],

  "op.none": ["Nothing here.", "暂无数据。"], "op.overview": ["Overview", "总览"], "op.streams": ["Streams", "推流"], "op.connections": ["Connections", "连接"], "op.coin.search": ["Coins", "金币账目"], "op.timeline": ["A live as it was", "直播时间轴"],
  "op.state": ["State", "状态"], "op.nodes": ["Nodes", "节点"], "op.tables": ["Tables", "数据表"], "op.coins": ["Coins", "金币"], "op.rate": ["Events", "事件"], "op.bits": ["Sent to players", "播放流量"], "op.kick": ["Disconnect", "断开"], "op.ban": ["Ban", "封禁"], "op.unban": ["Lift ban", "解封"], "op.reason": ["Reason", "原因"], "op.how.long": ["How long", "时长"], "op.day": ["for a day", "1 天"],
  "op.user": ["User {id}", "用户 {id}"], "op.user.id": ["User ID", "用户 ID"], "op.live.id": ["Live ID", "直播 ID"], "op.address": ["Address", "地址"], "op.since": ["Since", "开始时间"], "op.from": ["From", "从"], "op.to": ["To", "到"], "op.find": ["Find", "查询"], "op.open": ["Open", "打开"], "op.account": ["Account", "账户"], "op.wallet": ["Wallet", "钱包"], "op.earnings": ["Earnings", "收益"], "op.as.of": ["As of", "截至"], "op.statement": ["Statement", "对账单"], "op.trial": ["Trial balance", "试算平衡"], "op.opening": ["Opening balance", "期初余额"], "op.closing": ["Closing balance", "期末余额"], "op.position": ["Position", "位置"], "op.seen": ["Ever joined", "累计观众"], "op.comments": ["Comments", "评论"],

  "proof": ["Proof", "证明"], "proof.of": ["Proof of the gift at position {position}", "位置 {position} 的礼物证明"], "proof.verify": ["Verify here", "在此验证"], "proof.save": ["Save the file", "保存文件"],
  "proof.text": ["This browser checks that the signed tree of events contains the gift. Enter the public key as you got it from somebody whom you trust, not from this server.", "浏览器将验证该礼物包含在已签名的事件树中。请输入从可信来源（而非本服务器）获得的公钥。"], "proof.public": ["Public key of the transparency log", "透明日志公钥"],
  "proof.ok": ["The gift is in the signed tree of {n} events, {origin}.", "该礼物包含在 {n} 个事件的已签名树中：{origin}。"], "proof.proof": ["The proof does not hold.", "证明不成立。"], "proof.signature": ["The key has not signed this proof.", "该公钥未签署此证明。"],
  "proof.key": ["Check the key.", "请检查公钥。"], "proof.unsupported": ["Use a newer browser, over https.", "请使用较新的浏览器并通过 https 访问。"],

  "error.network": ["The server cannot be reached. Check your connection.", "无法连接服务器，请检查网络。"], "error.connection_lost": ["The connection was lost. Try again.", "连接中断，请重试。"], "error.rate_limited": ["Too fast. Try again in {seconds} s.", "操作太快，请 {seconds} 秒后重试。"],
  "error.coins_too_few": ["You have too few coins.", "金币不足，请先充值。"], "error.no_websocket": ["This browser or network blocks live updates. The video works; comments do not.", "当前网络不支持实时消息，可观看但无法互动。"], "error.unknown": ["Something went wrong. Try again.", "出了点问题，请重试。"],
  "error.live_not_found": ["This live does not exist.", "直播间不存在。"], "error.busy": ["The server is busy. Try again in a moment.", "服务器繁忙，请稍后重试。"], "error.live_ended": ["This live has ended.", "直播已结束。"], "error.live_not_started": ["This live has not started yet.", "直播尚未开始。"],
  "error.comment_too_long": ["A comment has at most 200 characters.", "评论最多 200 字。"], "error.comment_empty": ["Write something first.", "请先输入内容。"], "error.text_invalid": ["The text has a character that cannot be shown.", "包含无法显示的字符。"],
  "error.token_expired": ["Your sign-in has expired. Sign in again.", "登录已过期，请重新登录。"], "error.session_ended": ["You signed out or signed in elsewhere. Sign in again.", "您已退出或在别处登录，请重新登录。"], "error.forbidden": ["You may not do this.", "没有权限。"],
  "notfound": ["There is nothing at this address.", "页面不存在。"], "home": ["To the lives", "去看直播"],
};
