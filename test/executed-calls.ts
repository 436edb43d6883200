/**
 * Counts function calls while a function runs, over all scripts of the process: a measure of its work that is the same on
 * each machine and each run, so that a test can compare the work for two sizes of input.
 */
import { Session } from 'node:inspector/promises'

export async function executedCalls(run: () => unknown): Promise<number> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    run()
    const { result } = await session.post('Profiler.takePreciseCoverage')
    const calls = result.flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges[0]?.count ?? 0))
    return calls.reduce((sum, count) => sum + count, 0)
  } finally {
    await session.post('Profiler.stopPreciseCoverage')
    session.disconnect()
  }
}
