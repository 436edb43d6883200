/** Task of the process inside the namespaces, passed to it as JSON. */
import type { CalibrationOptions } from './calibrate.ts'
import type { RunOptions } from './result.ts'

export type InsideTask =
  | { readonly kind: 'run'; readonly options: RunOptions }
  | { readonly kind: 'calibrate'; readonly options: CalibrationOptions }
