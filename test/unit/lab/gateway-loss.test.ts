import { expect, it } from 'vitest'
import { detectedAfterSeconds } from '../../../lab/gateway-loss.ts'

const REMOVED_AT_MS = Date.parse('2026-11-29T02:00:00.000Z')

const line = (time: string, gateway: string, event = 'gateway-lost') =>
  JSON.stringify({ level: 'info', time, site: 's1', event, gateway, text: 'text' })

it('takes the first report of the removed host after its removal', () => {
  const log = [
    'not a line of the node',
    line('2026-11-29T01:59:58.000Z', '10.2.0.1:6881'),
    line('2026-11-29T02:00:00.500Z', '10.3.0.1:6881'),
    line('2026-11-29T02:00:00.700Z', '10.2.0.1:6881', 'another-event'),
    line('2026-11-29T02:00:01.250Z', '10.2.0.1:6881'),
    line('2026-11-29T02:00:09.000Z', '10.2.0.1:6881'),
    '',
  ].join('\n')
  expect(detectedAfterSeconds(log, '10.2.0.1', REMOVED_AT_MS)).toBe(1.25)
})

it('takes no other address that begins alike', () => {
  const log = line('2026-11-29T02:00:01.000Z', '10.2.0.11:6881')
  expect(detectedAfterSeconds(log, '10.2.0.1', REMOVED_AT_MS)).toBeUndefined()
})
