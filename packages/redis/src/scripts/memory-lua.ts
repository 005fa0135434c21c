/**
 * What every script begins with: the time, which is Redis's own, and since when Redis remembers.
 *
 * A bucket that is not there may be full (it expired) or lost. So one key a group of buckets says since when everything
 * has been remembered: it names the run of the server that wrote it, and when it was last touched. Another run (a restart,
 * a replica that was promoted), a clock that went back, or a silence of everybody that is longer than processes stay silent
 * while they can reach Redis: then memory begins anew, `settle` from now. Whatever was last written before that is
 * forgotten, and a bucket that is not remembered was empty when memory began.
 *
 * ARGV of every script: 1 id of the process, 2 not after (microseconds of Redis; 0: no limit), 3 quiet and 4 settle
 * (microseconds), 5 how long memory is kept (milliseconds). Every reply begins with: time, 1 if it came too late and
 * nothing was done, microseconds until memory begins.
 */
export const MEMORY_LUA: string = `
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function remember(key, now)
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local saved = redis.call('GET', key)
  local began
  if saved then
    local savedRun, savedBegan, savedTouched = string.match(saved, '^(%x+) (%d+) (%d+)$')
    if savedRun == run then
      local touched = tonumber(savedTouched)
      if now < touched and touched - now < 1000000 then now = touched end
      if now >= touched and now - touched <= tonumber(ARGV[3]) then began = tonumber(savedBegan) end
    end
  end
  if not began then began = now + tonumber(ARGV[4]) end
  redis.call('SET', key, string.format('%s %.0f %.0f', run, began, now), 'PX', ARGV[5])
  return now, began
end

local now = clock()
local notAfter = tonumber(ARGV[2])
if notAfter > 0 and now > notAfter then return { now, 1, 0 } end
local began
now, began = remember(KEYS[1], now)
local reply = { now, 0, math.max(0, began - now) }
`
