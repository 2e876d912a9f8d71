// Hands a file that was made on the page to the browser's downloads.

export function saveFile(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

export function saveText(name: string, type: string, text: string): void {
  saveFile(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** A name without what file systems refuse. */
export function safeName(name: string): string {
  return name.replaceAll(/[\\/:*?"<>|\p{Cc}]+/gu, '_').slice(0, 120);
}

/** A volume's name without its format's ending: `ct.nii.gz` is `ct`. */
export function stemOf(name: string): string {
  return name.replace(/\.(nii\.gz|nii|nrrd)$/i, '');
}
