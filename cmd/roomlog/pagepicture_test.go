package main_test

import pages "github.com/chromedp/cdproto/page"

// comment posts a comment and returns when the field is empty again.
const comment = `const comment = async (text) => { await fill("#comment", text); await press(".composer .accent"); await until(() => !$("#comment").value); };
	const fly = (text) => [...document.querySelectorAll(".player .fly")].find((e) => e.textContent === text);`

// fliesComments requires that the comments of a writer fly over the picture of a reader, as the settings of the player say.
func fliesComments(writer, reader *inspector) {
	reader.t.Helper()
	say := func(text string) { writer.does(comment + `await comment(` + js(text) + `)`) }
	quick := func(to string) {
		reader.does(`await press('[aria-label="Player settings"]'); await fill("#speed", "` + to + `"); await press("dialog .round"); await until(() => !$("dialog"))`)
	}
	// speed returns the pixels that a comment flies in a millisecond.
	speed := func(text string) (v float64) {
		reader.run(onPage+comment+`const text = `+js(text)+`, left = () => fly(text)?.getBoundingClientRect().left;
			const frame = () => new Promise(requestAnimationFrame), picture = (await shown(".player")).getBoundingClientRect();
			await until(() => left() < picture.right - 20); await frame();
			const from = left(), at = performance.now(); if (fly(text).getBoundingClientRect().top < picture.top || fly(text).getBoundingClientRect().bottom > picture.bottom) throw new Error("it flies beside the picture");
			await until(() => from - left() > 60); await frame();
			return (from - left()) / (performance.now() - at);`, &v)
		return v
	}
	reader.drive(pages.BringToFront()) // nothing flies in a window behind others
	quick("60")
	say("it flies slowly")
	slow := speed("it flies slowly")
	reader.does(`const part = $(".flying"), opacity = () => Number(getComputedStyle(part).opacity); if (Math.abs(opacity() - 0.9) > 0.01) throw new Error(opacity());
		await press('[aria-label="Player settings"]'); await fill("#opacity", "0.4"); await until(() => Math.abs(opacity() - 0.4) < 0.01); await fill("#opacity", "0.9"); await press("dialog .round"); await until(() => !$("dialog"));
		await press('[aria-label="Flying comments"]'); await until(() => !$(".fly"))`)
	say("it does not fly")
	reader.does(comment + `await has(".said", /it does not fly/); if ($(".fly")) throw new Error($(".fly").outerHTML); await press('[aria-label="Flying comments"][aria-pressed=false]'); await shown('[aria-label="Flying comments"][aria-pressed=true]')`)
	quick("320")
	say("it flies fast")
	if fast := speed("it flies fast"); fast < 2*slow {
		reader.t.Errorf("at the speeds 60 and 320, comments fly %.3f and %.3f pixels in a millisecond", slow, fast)
	}
	quick("140")
	reader.does(comment + `if (fly("it does not fly")) throw new Error("a comment flies late")`)
}
