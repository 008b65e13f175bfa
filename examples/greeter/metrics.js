'use strict';

/** Upper bounds of the histogram's buckets, in seconds. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

let inFlight = 0;
/** By status: how many requests were answered within each bound, how many at all, and in how many seconds. */
const answered = new Map();

/** Measures a request until its answer has left. */
exports.measure = (response) => {
  const start = process.hrtime.bigint();
  inFlight++;
  response.once('close', () => {
    inFlight--;
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const code = response.statusCode;
    const of = answered.get(code) ?? { buckets: bounds.map(() => 0), count: 0, sum: 0 };
    answered.set(code, of);
    of.count++;
    of.sum += seconds;
    bounds.forEach((bound, index) => (of.buckets[index] += seconds <= bound ? 1 : 0));
  });
};

/** All of it in Prometheus' text format; its names are those that Docker Flow's alert shortcuts ask for. */
exports.metrics = () => {
  const all = [...answered];
  const total = all.reduce((sum, [, { count }]) => sum + count, 0);
  return [
    '# HELP greeter_requests_total Requests that were answered.',
    '# TYPE greeter_requests_total counter',
    `greeter_requests_total ${total}`,
    '# HELP greeter_requests_in_flight Requests that wait for their answer.',
    '# TYPE greeter_requests_in_flight gauge',
    `greeter_requests_in_flight ${inFlight}`,
    '# HELP http_server_resp_time Seconds until a request was answered.',
    '# TYPE http_server_resp_time histogram',
    ...all.flatMap(([code, { buckets, count, sum }]) => [
      ...bounds.map((bound, index) => `http_server_resp_time_bucket{code="${code}",le="${bound}"} ${buckets[index]}`),
      `http_server_resp_time_bucket{code="${code}",le="+Inf"} ${count}`,
      `http_server_resp_time_sum{code="${code}"} ${sum}`,
      `http_server_resp_time_count{code="${code}"} ${count}`,
    ]),
    '',
  ].join('\n');
};
