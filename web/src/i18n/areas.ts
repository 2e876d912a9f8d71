// A language is the words of its files, one file per area of the page.

/** The words of all files of a folder; that none lacks is tested. */
export function merged<T>(files: Readonly<Record<string, Readonly<Record<string, object>>>>): T {
  return Object.assign({}, ...Object.values(files).flatMap((file) => Object.values(file))) as T;
}
