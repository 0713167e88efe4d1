// watchPictures samples each picture that a video presents. It counts in player.pictures those that differ from the picture
// before, and in player.black those without a bright pixel, and sets player.start to the time of the first one. sampled is
// called with the 64 × 36 pixels of each picture, as red, green and blue.
function watchPictures(video, player, sampled = () => {}) {
  const canvas = new OffscreenCanvas(64, 36).getContext('2d', {willReadFrequently: true});
  let last = '';
  const sample = () => {
    if (isNaN(player.start)) player.start = video.currentTime;
    canvas.drawImage(video, 0, 0, 64, 36);
    const pixels = canvas.getImageData(0, 0, 64, 36).data.filter((_, i) => i % 4 < 3);
    if (Math.max(...pixels) < 64) player.black++;
    if (pixels.join() !== last) player.pictures++;
    last = pixels.join();
    sampled(pixels);
    video.requestVideoFrameCallback(sample);
  };
  video.requestVideoFrameCallback(sample);
}
