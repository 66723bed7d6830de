package poller

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
)

// TestADescriptionGoesWithItsState has a meeting of another replica that is described here lose its state, as there is a
// newer one, before the description is stored. Then what is stored for the meeting is heard of.
func TestADescriptionGoesWithItsState(t *testing.T) {
	for name, lose := range map[string]func(*Poller, *look){
		"while nobody has it busy": func(p *Poller, l *look) {
			p.release(l, outcome{due: p.now()})
			require.True(t, l.m.news)
			p.hear("m", 2)
		},
		"while somebody has": func(p *Poller, l *look) {
			p.mu.Lock()
			l.m.record = diff.Record{Revision: 2}
			p.mu.Unlock()
			p.release(l, outcome{due: p.now()})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := New(nil, nil, Options{Shards: &noShards{}})
			require.NoError(t, err)
			p.mu.Lock()
			l := p.occupyNew("m")
			p.mu.Unlock()
			l.record, l.news = diff.Record{State: diff.New("m").Describe(diff.Description{Title: "Review"}), Revision: 1}, true
			lose(p, l)
			require.Nil(t, l.m.record.State)

			newest := diff.Record{State: diff.New("m"), Revision: 3}
			p.adoptOwn(l.m, newest)
			assert.Same(t, newest.State, l.m.record.State)
			assert.False(t, l.m.news)
		})
	}
}

// noShards has every meeting be another replica's.
type noShards struct{}

func (*noShards) Owns(int) bool            { return false }
func (*noShards) Changed() <-chan struct{} { return nil }
