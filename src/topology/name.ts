/** Names of sites, bubbles and regions. They become metric labels, Redis keys and file names. */

/** A DNS label has at most 63 characters. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
