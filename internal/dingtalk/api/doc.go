// Package api reads meetings from DingTalk's server API: member lists, the meetings themselves and
// the organisation's live meetings. [Client] is the [poller.Source] of the product.
//
// A call gives everything it was asked for or an error, never a part. Errors say what kind of thing
// went wrong ([Error]) and what the poller is to do about it ([poller.SourceError]). No error and
// no log line ever carries the app's secret or an access token, even when the server repeats them.
package api
