// Package testing holds no code: it says where what tests share is found.
//
// Helpers, each a package that a test imports:
//
//   - natstest: NATS servers of other versions, as processes, and what is done to a stream from
//     outside: backups, ids that are forgotten, a stream made again. It imports nothing of Rollcall
//     that has a say in storing, so that the tests of the publisher can use it.
//   - streamtest: a server that stops and starts again, and a recorder that stores events as the
//     service does. For all that reads what is stored.
//   - faultproxy: a network that cuts, refuses, delays or swallows.
//   - child: a program that is killed, which is the test binary run again.
//   - disk: a directory that is fast, a disk that is full.
//   - port: an address where nothing else will listen. pipe: a network without the system, for
//     testing/synctest.
//   - leak: fails a package whose tests leave goroutines behind; called by its TestMain.
//   - logbuffer: a log that is read while it is written.
//
// Tests of the whole program, each a package of tests alone:
//
//   - e2e: the service against the simulator, fault by fault, compared with the truth.
//   - chaos: programs killed and connections cut at random. -chaos.kills gives the full dose.
//   - month: a month of an organisation on a virtual clock.
//   - scale: 100,000 meetings.
//   - release: what users rely on, compared with files and with the last release; its data
//     directory.
//   - sdktest: other people's clients; a module of its own for their sake.
//
// DingTalk itself is played by package simulator, which is a neighbour of this folder.
package testing
