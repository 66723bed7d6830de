// Package e2e_test plays short scenarios through the whole path, over real HTTP and into a real NATS server, and
// compares the stream with what happened.
package e2e_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
