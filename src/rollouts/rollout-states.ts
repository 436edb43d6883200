/** States of a rollout: public values, from the API. */
export const rolloutStates = ['waiting', 'running', 'held', 'stranded', 'complete'] as const

export type RolloutState = (typeof rolloutStates)[number]
