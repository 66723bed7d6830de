// Package budget keeps all replicas together within what DingTalk grants the organisation: a rate
// of calls, and a number of calls per calendar month.
//
// [Rate] is this replica's share of the rate. [Month] counts the month's calls in NATS: a replica
// draws a small parcel of them before it spends any, so that neither a crash nor a race nor a clock
// makes the replicas spend more than there is; at worst a few calls are lost. [Limiter] is both
// together, as the API client wants it.
package budget

// Bucket is the JetStream bucket that holds what the replicas share.
const Bucket = bucket
