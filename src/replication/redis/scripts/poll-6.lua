-- Polls the state of a site in one step, twice a second from each node: the time, the identity of the log, and what else
-- has changed. Starts an epoch where there is none. Continues where writes are refused: reads may still work.
--
-- KEYS[1]  the log
-- KEYS[2]  string: epoch of the log
-- KEYS[3]  sorted set: changes of completion counts
-- KEYS[4]  hash: id and version of the torrents
-- KEYS[5]  hash: secrets
-- KEYS[6]  hash: overrides and their version
-- ARGV[1]  the epoch to start where there is none
-- ARGV[2…] ids of entries that the node has read, to check that they still exist
-- Returns  seconds, microseconds, epoch ('' could not be started), the error of refused writes (''),
--          last id of the log, last change of completions, id of the torrents, their version, time of the last change of
--          the secret, version of the overrides, then 1 or 0 for each id
local refusal = ''
local started = redis.pcall('set', KEYS[2], ARGV[1], 'nx')
if type(started) == 'table' and started.err then refusal = started.err end
local last = '0-0'
local log = redis.pcall('xinfo', 'stream', KEYS[1])
if not log.err then
  for index = 1, #log, 2 do
    if log[index] == 'last-generated-id' then last = log[index + 1] end
  end
end
-- Scores that no node wrote would hide every later change.
redis.pcall('zremrangebyscore', KEYS[3], '1000000000000000', '+inf')
redis.pcall('zremrangebyscore', KEYS[3], '-inf', '(0')
local change = redis.pcall('zrevrange', KEYS[3], 0, 0, 'withscores')
local time = redis.call('time')
local torrents = redis.call('hmget', KEYS[4], 'id', 'version')
local reply = {
  time[1],
  time[2],
  redis.call('get', KEYS[2]) or '',
  refusal,
  last,
  change[2] or '0',
  torrents[1] or '',
  torrents[2] or '0',
  redis.call('hget', KEYS[5], 'changedAt') or '0',
  redis.call('hget', KEYS[6], 'version') or '0'
}
for index = 2, #ARGV do
  reply[#reply + 1] = #redis.call('xrange', KEYS[1], ARGV[index], ARGV[index])
end
return reply
