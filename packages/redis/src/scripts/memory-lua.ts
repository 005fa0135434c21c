/**
 * What every script begins with: the time, since when Redis remembers, and who may be on his own.
 *
 * **Memory.** A bucket that is not there may be full (it expired) or lost. So one key a group of buckets says since when
 * everything has been remembered: it names the run of the server that wrote it, and when it was last touched. Another run (a
 * restart, a replica that was promoted), a clock that went back, or a silence of everybody that is longer than processes
 * stay silent while they can reach Redis: then memory begins anew, `settle` from now. Whatever was last written before that
 * is forgotten, and a bucket that is not remembered was empty when memory began.
 *
 * **Shares.** Without Redis each process goes on with its share of a limit. Redis cannot know whether one that is silent is
 * dead or cut off alone, so the share of a silent process is kept for it: `flowed`, the clock by which shared limits are
 * refilled, goes slower by so much, and buckets are smaller by so much, until the process says that it no longer uses its
 * share, or has been silent for `reserved`. Of a fleet that Redis has forgotten, the first who comes back tells how large
 * his share is: the others' is kept for them too.
 *
 * Buckets that are full are not kept, so a key must live until it is full even if the clock goes slower than when it was
 * written: it is given twice the time, and a clock that falls below half its best speed begins memory anew.
 *
 * KEYS of every script: 1 memory, 2 members. ARGV of every script: 1 id of the process, 2 not after (microseconds of Redis;
 * 0: no limit), 3 quiet and 4 settle (microseconds), 5 how long memory is kept (milliseconds), 6 after how long without word
 * a process is silent and 7 for how long its share is kept (microseconds), 8 the share that it knows of (millionths), 9
 * whether it uses it (1) or not (0). Every reply begins with: time, 1 if it came too late and nothing was done, microseconds
 * until memory begins, how many processes are there.
 */
export const MEMORY_LUA: string = `
local call, pack, unpack, spread = redis.call, struct.pack, struct.unpack, unpack
local MEMORY, MEMBER, WHOLE = '<c40ddddddddddd', '<ddd', 1000000
local QUIET, SETTLE, SILENT, RESERVED = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[6]), tonumber(ARGV[7])
local SCAN = QUIET / 10

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local notAfter = tonumber(ARGV[2])
if notAfter > 0 and now > notAfter then return { now, 1, 0, 0 } end

local run = string.match(call('INFO', 'server'), 'run_id:(%x+)')
local began, touched, flowed, speed, best, largest, scanned, live, allotted, lost, lostTill =
  0, 0, 0, 0, 0, 0, 0, 0, 0, -1, 0
local isNew = true
local known = call('GET', KEYS[1])
if known then
  local savedRun
  savedRun, began, touched, flowed, speed, best, largest, scanned, live, allotted, lost, lostTill = unpack(MEMORY, known)
  if savedRun == run then
    if now < touched and touched - now < 1000000 then now = touched end
    isNew = now < touched or now - touched > QUIET
  end
end

-- Hears of the process that asks. Of one that is not known, what it says of its share is believed.
local share, used = 0, nil
local member = call('HGET', KEYS[2], ARGV[1])
if member then
  local _
  _, share, used = unpack(MEMBER, member)
end
local function hear(to)
  allotted = allotted + to - share
  share = to
  call('HSET', KEYS[2], ARGV[1], pack(MEMBER, now, share, tonumber(ARGV[9])))
end
if member then
  hear(share)
else
  hear(tonumber(ARGV[8]))
  if share > 0 then
    if lost < 0 then lost, lostTill = math.max(0, WHOLE - allotted), now + RESERVED else lost = math.max(0, lost - share) end
  end
end

-- What is free of shares that silent processes may be using.
local function scan()
  if now >= lostTill then lost = math.min(lost, 0) end
  local reserved = math.max(0, lost)
  largest = reserved
  local members = call('HGETALL', KEYS[2])
  scanned, live, allotted = now, 0, 0
  for i = 1, #members, 2 do
    local heard, kept, isUsed = unpack(MEMBER, members[i + 1])
    if now - heard > RESERVED then
      call('HDEL', KEYS[2], members[i])
    else
      allotted = allotted + kept
      if now - heard > SILENT or isUsed == 1 then reserved, largest = reserved + kept, math.max(largest, kept) end
      if now - heard <= SILENT then live = live + 1 end
    end
  end
  call('PEXPIRE', KEYS[2], ARGV[5])
  return math.max(0, WHOLE - reserved) / WHOLE
end

local before = speed
if isNew or used ~= tonumber(ARGV[9]) or now - scanned >= SCAN then
  speed = scan()
  before = math.min(before, speed)
  if speed < best / 2 then isNew = true end
  best = math.max(best, speed)
end
if isNew then
  began, best = now + SETTLE, speed
  flowed = began
else
  flowed = flowed + math.floor(math.max(0, now - math.max(touched, began)) * before)
end

local function remember()
  call('SET', KEYS[1], pack(MEMORY, run, began, now, flowed, speed, best, largest, scanned, live, allotted, lost,
    lostTill), 'PX', ARGV[5])
end
remember()
local reply = { now, 0, math.max(0, began - now), live }
`
