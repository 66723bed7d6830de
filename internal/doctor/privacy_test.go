package doctor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/config"
)

// A stream that tells of people in another way is found before the service is started.
func TestAnotherPrivacyIsFound(t *testing.T) {
	t.Parallel()
	s := user(patient(t), broker(t, open), "")
	s.Events.Retention = time.Hour
	serve(t, s)
	ready(t, s)
	found, _ := findings(t, s)
	assert.Equal(t, OK, found["stream"].Verdict, whole(found))
	s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "a privacy key of 32 bytes or more"
	found, well := findings(t, s)
	assert.False(t, well)
	assert.Contains(t, found["stream"].Text, "is kept as full", whole(found))
}
