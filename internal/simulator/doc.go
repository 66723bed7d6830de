// Package simulator is a DingTalk of our own, over real HTTP: it plays histories of video meetings
// and answers the calls Rollcall makes (token, members, meeting information, the organisation's
// meetings) as the platform documents them, with every fault it documents and some that it does
// not, each of which can be switched on and off.
//
// Package history plays the meetings, package fault knows what can go wrong; here is what a client
// sees of both: the API, the pushes, the robots and the control API. What the API answers is a
// function of the meetings' histories and the present time alone. No goroutine is needed to play a
// history, and a clock handed in through [Options] plays it at any pace. Everything is
// deterministic by seed.
//
// What happens is also pushed, while [Simulator.RunPushes] runs: signed and encrypted to a webhook
// ([PushSettings]), and over the connections of the stream gateway ([StreamSettings]), in the form
// the platform documents, traps included. A push tells of one action: the beginning and end of a
// meeting, and who joins, leaves, is kicked or invited; of lost connections and vanished rows the
// platform knows no event. Its times are the machine's; its faults are [fault.Fault]s like others,
// of the classes webhook and stream.
//
// It plays custom group robots, too ([RobotSettings]): they check signatures, say each message
// once, and block a sender of more than they take in a minute.
//
// Below /_sim/ there is a control API. Replies are JSON; bodies may be JSON or YAML, and unknown
// keys are refused.
//
//	GET    /_sim/state                  what is going on, and the names for live actions ([State])
//	GET    /_sim/truth                  what Rollcall must find out ([history.Truth]),
//	                                    with ?meeting=ID&format=json|yaml|text
//	GET    /_sim/stats                  how often what was called ([Stats])
//	GET    /_sim/faults                 the faults that are on
//	POST   /_sim/faults                 switches on one [fault.Fault], or a list of them
//	DELETE /_sim/faults                 switches all off
//	POST   /_sim/streams                does one stream [fault.Fault] to all stream connections
//	GET    /_sim/robots                 what the group robots have said ([RobotState])
//	PUT    /_sim/meetings/{id}          adds a [history.Plan] whose offsets count from now
//	POST   /_sim/meetings/{id}/actions  does one [history.LiveAction], or all or none of a list
//
// What DingTalk documents is found at https://open.dingtalk.com/document/orgapp (members:
// queries-members-of-a-video-conference); what it leaves open, the simulator can play either way.
package simulator
