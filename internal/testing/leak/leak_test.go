package leak

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { Main(m) }

func TestWaitsForWhatEndsLate(t *testing.T) {
	ended := make(chan struct{})
	before := goleak.IgnoreCurrent()
	code := waiting{func() int {
		go func() {
			<-time.After(time.Second)
			close(ended)
		}()
		return 0
	}, []goleak.Option{before}}.Run()
	assert.Zero(t, code)
	select {
	case <-ended:
	default:
		require.Fail(t, "did not wait")
	}
}

func TestFailuresAreNotKeptWaiting(t *testing.T) {
	stay := make(chan struct{})
	defer close(stay)
	assert.Equal(t, 3, waiting{run: func() int {
		go func() { <-stay }()
		return 3
	}}.Run())
}

func TestMoreTestsRunThanThereAreProcessors(t *testing.T) {
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" && f.Value.String() != "8" })
	if chosen {
		t.Skip("-parallel says how many")
	}
	assert.Equal(t, "8", flag.Lookup("test.parallel").Value.String())
}
