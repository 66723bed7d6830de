// Package e2e_test plays short scenarios through the whole path, over real HTTP and into a real
// NATS server, and compares the stream with what happened.
package e2e_test

import (
	"testing"

	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
