/** Loaded into a node before its program: each SIGUSR2 sets its clock an hour ahead, as an operator or NTP does. */
const HOUR_MS = 3_600_000
const realNow = Date.now
let aheadMs = 0

Date.now = () => realNow() + aheadMs
process.on('SIGUSR2', () => (aheadMs += HOUR_MS))
