/** What may be the name of a file or folder on every host that downloads a torrent. */
export function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\0]/.test(name)
}
