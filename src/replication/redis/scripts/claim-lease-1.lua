-- Grants a peer the right to fetch one torrent for one site, up to a number of holders. A peer that holds it already
-- has it prolonged. The time is Redis's own, the same for every node.
--
-- KEYS[1]  sorted set: peer → until when, in milliseconds
-- ARGV[1]  the peer
-- ARGV[2]  lifetime in milliseconds
-- ARGV[3]  largest number of holders
-- Returns  1 granted, 0 denied
-- The longest lifetime of a peer, 65,535 s.
local LIFETIME_MAX = 65535000
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('zremrangebyscore', KEYS[1], '-inf', now)
-- No node writes a longer lease: this one would keep the site without a gateway.
redis.call('zremrangebyscore', KEYS[1], '(' .. string.format('%.0f', now + LIFETIME_MAX), '+inf')
if not redis.call('zscore', KEYS[1], ARGV[1]) and redis.call('zcard', KEYS[1]) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('zadd', KEYS[1], now + ARGV[2], ARGV[1])
-- The set expires with its last holder.
if redis.call('pttl', KEYS[1]) < tonumber(ARGV[2]) then redis.call('pexpire', KEYS[1], ARGV[2]) end
return 1
