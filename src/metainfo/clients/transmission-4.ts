/**
 * The path that Transmission 4 requests from a web seed. Read in its source and not observed: 4.0 replaces what Windows does
 * not allow, 4.1 only what Unix does not allow, and neither escapes a number sign, which ends the path.
 */
import { RESERVED } from './client.ts'

export function transmission4Paths(path: string): readonly string[] {
  return [path, path.split('/').map(portableName).join('/')].map((each) => each.replace(/#.*$/s, ''))
}

function portableName(name: string): string {
  const trimmed = name.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, '').replace(/\.+$/, '')
  const changed = trimmed.replaceAll(/["*:<>?\\|]/g, '_')
  return RESERVED.test(trimmed) ? `_${changed}` : changed
}
