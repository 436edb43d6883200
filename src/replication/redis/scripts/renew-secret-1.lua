-- Returns the secret that all nodes of a site share. Replaces it when it is due, and keeps the previous one.
--
-- KEYS[1]  hash: current, previous, changedAt in milliseconds
-- ARGV[1]  the first secret where there is none: the one that this node used so far
-- ARGV[2]  the next secret, where the current one is due
-- ARGV[3]  age in milliseconds at which it is due
-- Returns  changedAt, current, previous ('' none)
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('hmget', KEYS[1], 'current', 'previous', 'changedAt')
local current, previous, changed = known[1], known[2], tonumber(known[3] or 0) or 0
-- All secrets have the length of those of this node. Others were not written by a node, and are replaced.
local function is_secret(value) return value and #value == #ARGV[1] end
if not is_secret(previous) then previous = '' end
if not (changed >= 0 and changed <= now) then changed = 0 end
if not is_secret(current) then
  current, previous, changed = ARGV[1], '', now
  redis.call('hset', KEYS[1], 'current', current, 'previous', previous, 'changedAt', string.format('%.0f', changed))
elseif now - changed >= tonumber(ARGV[3]) then
  current, previous, changed = ARGV[2], current, now
  redis.call('hset', KEYS[1], 'current', current, 'previous', previous, 'changedAt', string.format('%.0f', changed))
end
return { string.format('%.0f', changed), current, previous }
