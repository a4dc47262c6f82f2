-- Deposits of 1 for wrk, in turn to the accounts that the environment names; what was counted as a line of JSON.
local first, n = tonumber(os.getenv("BENCH_FIRST")), tonumber(os.getenv("BENCH_ACCOUNTS"))
local turn, requests = 0, {}

wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"

function init()
	for i = 1, n do
		requests[i] = wrk.format(nil, nil, nil, "account=" .. (first + i - 1) .. "&amount=1")
	end
end

function request()
	turn = turn % n + 1
	return requests[turn]
end

function done(summary, latency)
	local broken = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
	io.stderr:write(string.format(
		'{"replies": %d, "refused": %d, "broken": %d, "seconds": %.6f, "p50_us": %d, "p99_us": %d}\n',
		summary.requests, summary.errors.status, broken, summary.duration / 1e6,
		latency:percentile(50), latency:percentile(99)))
end
