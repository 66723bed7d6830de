// Package sdktest tests Rollcall with the SDKs of others: DingTalk's official one must understand
// the simulator as it understands the platform, and others' readers, generators and clients must
// understand what Rollcall serves. Those in JavaScript are in testdata/node, where npm ci installs
// them; without, their tests are skipped. It is a module of its own, so that their dependencies
// never become the product's.
package sdktest
