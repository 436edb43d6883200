-- Writes documents and removes others. Every node, the writing one included, reads them by their changes.
--
-- KEYS[1]  hash: key → text
-- KEYS[2]  sorted set: key → number of its last change
-- ARGV     key and text in turn; an empty text removes the document
-- Returns  the number of the last change
local KEPT = 200000
-- No node writes such a number; it would hide every later change.
redis.call('zremrangebyscore', KEYS[2], '1000000000000000', '+inf')
local last = redis.call('zrevrange', KEYS[2], 0, 0, 'withscores')
local change = tonumber(last[2] or 0)
for index = 1, #ARGV, 2 do
  change = change + 1
  if ARGV[index + 1] == '' then
    redis.call('hdel', KEYS[1], ARGV[index])
  else
    redis.call('hset', KEYS[1], ARGV[index], ARGV[index + 1])
  end
  redis.call('zadd', KEYS[2], change, ARGV[index])
end
-- A node that has not read a change by then reads all documents.
redis.call('zremrangebyscore', KEYS[2], '-inf', change - KEPT)
return tostring(change)
