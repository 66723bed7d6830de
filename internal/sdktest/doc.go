// Package sdktest holds Rollcall against the SDKs of others: DingTalk's official one must understand the simulator as
// it understands the platform. It is a module of its own, so that their dependencies never become the product's.
package sdktest
