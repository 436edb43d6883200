/** Fields that the answers of several routes have: one name and one form for each thing. */
import * as z from 'zod'

/** A point in time in ISO 8601, UTC. */
export const time = () => z.string().meta({ format: 'date-time' })

/** Name of a place; null for an address outside of the topology. */
export const siteName = () => z.string().nullable().describe('null outside of the topology.')
export const bubbleName = () => z.string().nullable().describe('`-`: outside of the bubbles of its site.')

export const nextCursor = () =>
  z.string().nullable().describe('`after` of the next page; null on the last one.')

export const warningSchema = z.object({ code: z.string(), message: z.string() })

export type Warning = z.output<typeof warningSchema>
