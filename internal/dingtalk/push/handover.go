package push

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// Notifier acts on what a push says of a meeting; a [poller.Poller] is one.
type Notifier interface {
	Notice(ctx context.Context, n poller.Notice) error
}

// Hider replaces what names people, before anything else sees it.
type Hider interface {
	HideRow(conferenceID string, row *diff.Row)
	HideCreator(id, nick, title *string)
}

type handover struct {
	notifier Notifier
	hider    Hider
}

// HandOver returns a [Receiver] that hands pushes on to the poller, in its terms. A nil hider shows
// everybody by name.
func HandOver(to Notifier, hider Hider) Receiver { return &handover{to, hider} }

// Receive implements [Receiver]. A push about several meetings is stored for each of them that it
// can be stored for, and is to be sent again when it could not be for one: that changes nothing for
// the others.
func (h *handover) Receive(ctx context.Context, p Push) error {
	var failed []error
	for _, n := range p.Notices {
		err := h.notifier.Notice(ctx, h.notice(n))
		if errors.Is(err, poller.ErrStopping) || errors.Is(err, poller.ErrNotReady) {
			err = fmt.Errorf("%w: %w", ErrAway, err)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (h *handover) notice(n Notice) poller.Notice {
	out := poller.Notice{
		ConferenceID: n.ConferenceID, Scene: sceneOf(n.Scene), Time: n.Time, Look: n.Look,
		Gone: n.Look && (n.Scene == MemberLeft || n.Scene == MemberKicked),
		Description: diff.Description{
			Title: n.Meeting.Title, CreatorID: n.Meeting.CreatorID, CreatorNick: n.Meeting.CreatorNick,
			StartTime: n.Meeting.StartTime,
		},
		Rows: append([]diff.Row(nil), n.Rows...),
	}
	if h.hider == nil {
		return out
	}
	d := &out.Description
	h.hider.HideCreator(&d.CreatorID, &d.CreatorNick, &d.Title)
	for i := range out.Rows {
		h.hider.HideRow(n.ConferenceID, &out.Rows[i])
	}
	return out
}

func sceneOf(s Scene) poller.Scene {
	switch s {
	case MeetingCreated:
		return poller.Created
	case MeetingClosed:
		return poller.Closed
	default:
		return poller.Members
	}
}
