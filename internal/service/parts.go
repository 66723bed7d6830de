package service

import (
	"context"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/stored/ended"
	"github.com/c4342123/rollcall/internal/stored/feed"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// parts are what answers requests once NATS has been reached. Readers of events get them from the
// feed.
type parts struct {
	*feed.Feed
	*sealingKeys
	poller *poller.Poller
	store  *publisher.Publisher
	stored *publisher.Survey[peers.Meeting]
	conn   *nats.Conn
	fleet  *fleet
	peers  *peers.Peers
	past   *ended.Index
	js     jetstream.JetStream
	disk   *diskWatch // under the embedded server; nil without one
	titles bool       // titles of meetings are shown
	expiry *expiry
	audit  *auditing

	forgetting *forgetting
	// pseudonym and guest make pseudonyms; nil without.
	pseudonym func(unionID string) string
	guest     func(meeting, nick string) string
}

var (
	_ httpapi.Meetings = (*parts)(nil)
	_ httpapi.Events   = (*parts)(nil)
	_ httpapi.Past     = (*parts)(nil)
	_ httpapi.Reports  = (*parts)(nil)
	_ httpapi.Keys     = (*parts)(nil)
	_ httpapi.Audit    = (*parts)(nil)
	_ httpapi.People   = (*parts)(nil)
)

// loaded returns the poller once it knows the stored meetings.
func (p *parts) loaded() (*poller.Poller, error) {
	select {
	case <-p.poller.Ready():
		return p.poller, nil
	default:
		return nil, poller.ErrNotReady
	}
}

// Watch implements [httpapi.Meetings].
func (p *parts) Watch(ctx context.Context, conferenceID, title string) (bool, error) {
	known, err := p.loaded()
	if err != nil {
		return false, err
	}
	ctx, stop := whileStored(ctx, known, p.disk)
	defer stop()
	if !p.titles {
		title = ""
	}
	created, err := known.Watch(ctx, conferenceID, title)
	return created, conn.Plainly(err)
}

// Unwatch implements [httpapi.Meetings].
func (p *parts) Unwatch(ctx context.Context, conferenceID string) error {
	known, err := p.loaded()
	if err != nil {
		return err
	}
	ctx, stop := whileStored(ctx, known, p.disk)
	defer stop()
	return conn.Plainly(known.Unwatch(ctx, conferenceID))
}

// Search implements [httpapi.Past].
func (p *parts) Search(ctx context.Context, text string, limit int) ([]ended.Meeting, error) {
	found, err := p.past.Search(ctx, text, limit)
	return found, conn.Plainly(err)
}

// Report implements [httpapi.Reports].
func (p *parts) Report(ctx context.Context, conferenceID string) (report.Report, error) {
	rep, err := report.Of(ctx, p.js, conferenceID)
	return rep, conn.Plainly(err)
}

// Meeting implements [httpapi.Meetings]. What has been announced is the same for all replicas; how
// the looks go is asked of the replica that makes them.
func (p *parts) Meeting(ctx context.Context, conferenceID string) (peers.Meeting, *diff.State, error) {
	known, err := p.loaded()
	if err != nil {
		return peers.Meeting{}, nil, err
	}
	status, state, err := known.Meeting(ctx, conferenceID)
	if err != nil {
		return peers.Meeting{}, nil, conn.Plainly(err)
	}
	seen, watched, _, err := p.peers.Meeting(ctx, conferenceID)
	if err != nil {
		return peers.Meeting{}, nil, conn.Plainly(err)
	}
	if !watched { // nobody looks at it at the moment
		return peers.Meeting{Status: status}, state, nil
	}
	return seen, state, nil
}

// Stored implements [httpapi.Meetings].
func (p *parts) Stored(ctx context.Context, conferenceID string) (*diff.State, error) {
	if _, err := p.loaded(); err != nil {
		return nil, err
	}
	record, err := p.store.Load(ctx, conferenceID)
	if err != nil || record.Revision == 0 {
		return nil, conn.Plainly(err)
	}
	if !p.titles {
		return record.State.WithoutTitle(), nil
	}
	return record.State, nil
}

// Meetings implements [httpapi.Meetings]. Of shards that no replica looks at for the moment, what
// is stored is told.
func (p *parts) Meetings(ctx context.Context) ([]peers.Meeting, error) {
	if _, err := p.loaded(); err != nil {
		return nil, err
	}
	all, missing, err := p.peers.Meetings(ctx)
	if err != nil {
		return nil, conn.Plainly(err)
	}
	stored, err := p.stored.Read(ctx, slices.Collect(missing.All())...)
	if err != nil {
		return nil, conn.Plainly(err)
	}
	all = append(all, stored...)
	slices.SortFunc(all, func(a, b peers.Meeting) int { return strings.Compare(a.ConferenceID, b.ConferenceID) })
	return slices.CompactFunc(all, func(a, b peers.Meeting) bool { return a.ConferenceID == b.ConferenceID }), nil
}

// asStored is what is told of a meeting that no replica looks at for the moment.
func asStored(titles bool) func(*diff.State) (peers.Meeting, bool) {
	return func(s *diff.State) (peers.Meeting, bool) {
		if !titles {
			s = s.WithoutTitle()
		}
		return peers.Meeting{Status: poller.StatusOf(s)}, s.Phase == diff.Watched
	}
}
