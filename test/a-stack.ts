/**
 * The stack of `npm run stack` for one test: on free ports, stopped and removed when the test ends. Its clients are
 * announces without a client behind them, so that its nodes do not observe.
 */
import { onTestFinished, vi } from 'vitest'
import { type RunningStack, type StackNode, type StackSettings, startStack } from '../stack/stack.ts'

export async function aStack(settings: Partial<StackSettings> = {}): Promise<RunningStack> {
  vi.stubEnv('SITESWARM_OBSERVE_CONNECTIONS', '0')
  onTestFinished(() => void vi.unstubAllEnvs())
  const stack = await startStack({ ports: 'free', prometheus: false, ...settings })
  onTestFinished(() => stack.stop())
  return stack
}

/** Such as `fra-1`. */
export function nodeNamed(stack: RunningStack, name: string): StackNode {
  const node = stack.nodes.find((each) => each.name === name)
  if (node === undefined) throw new Error(`the stack has no node ${name}`)
  return node
}
