// The view as it is seen, as one picture: every canvas in it, in the order in which they lie over each other.

function isSeen(canvas: HTMLCanvasElement): boolean {
  const { visibility, display, opacity } = getComputedStyle(canvas);
  return visibility !== 'hidden' && display !== 'none' && opacity !== '0' && canvas.width > 0 && canvas.height > 0;
}

/** A PNG of what the canvases of an element show, in the screen's pixels. */
export async function pictureOf(view: HTMLElement): Promise<Blob> {
  const ratio = window.devicePixelRatio;
  const bounds = view.getBoundingClientRect();
  const picture = document.createElement('canvas');
  picture.width = Math.round(bounds.width * ratio);
  picture.height = Math.round(bounds.height * ratio);
  const context = picture.getContext('2d');
  if (context === null) throw new Error('no canvas');
  context.fillStyle = '#000';
  context.fillRect(0, 0, picture.width, picture.height);
  for (const canvas of view.querySelectorAll('canvas')) {
    if (!isSeen(canvas)) continue;
    const { left, top, width, height } = canvas.getBoundingClientRect();
    context.drawImage(canvas, (left - bounds.left) * ratio, (top - bounds.top) * ratio, width * ratio, height * ratio);
  }
  return new Promise((resolve, reject) => {
    picture.toBlob((blob) => {
      if (blob === null) reject(new Error('no picture'));
      else resolve(blob);
    }, 'image/png');
  });
}
