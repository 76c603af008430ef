-- Sends the prepared requests of one file per thread, in order, and prints one JSON line of totals.
-- It must stay cheap (two reads a request, no look at the responses): it shares the machine with the server.
-- Arguments: "once" or "cyclic" (what to do at the end of a file), then one file for each thread.

local threads = {}

function setup(thread)
  thread:set("number", #threads + 1)
  table.insert(threads, thread)
end

function init(args)
  cyclic = args[1] == "cyclic"
  sent = 0
  exhausted = false
  file = assert(io.open(args[1 + number], "rb"))
  file:setvbuf("full", 1048576)
end

-- A record is five decimal digits, the length of the request, and the request itself.
function request()
  local length = file:read(5)
  if not length then
    exhausted = not cyclic
    file:seek("set", 0)
    length = file:read(5)
  end
  sent = sent + 1
  return file:read(tonumber(length))
end

function done(summary, latency)
  local sent, exhausted = 0, false
  for _, thread in ipairs(threads) do
    sent = sent + thread:get("sent")
    exhausted = exhausted or thread:get("exhausted")
  end
  local errors = summary.errors
  print(string.format(
    '{"duration_us":%d,"sent":%d,"completed":%d,"exhausted":%s,'
      .. '"errors":{"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d},'
      .. '"latency_us":{"p50":%d,"p99":%d,"p999":%d,"max":%d}}',
    summary.duration, sent, summary.requests, tostring(exhausted),
    errors.status, errors.connect, errors.read, errors.write, errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max
  ))
end
