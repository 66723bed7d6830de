// Package receiver hands pushes on to the poller, in its terms.
package receiver

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
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

// Receiver is a [push.Receiver].
type Receiver struct {
	notifier Notifier
	hider    Hider
}

var _ push.Receiver = (*Receiver)(nil)

// New returns a receiver. A nil hider shows everybody by name.
func New(notifier Notifier, hider Hider) *Receiver { return &Receiver{notifier, hider} }

// Receive implements [push.Receiver]. A push about several meetings is stored for each of them that it can be stored
// for, and is to be sent again when it could not be for one: that changes nothing for the others.
func (r *Receiver) Receive(ctx context.Context, p push.Push) error {
	var failed []error
	for _, n := range p.Notices {
		err := r.notifier.Notice(ctx, r.notice(n))
		if errors.Is(err, poller.ErrStopping) || errors.Is(err, poller.ErrNotReady) {
			err = fmt.Errorf("%w: %w", push.ErrAway, err)
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (r *Receiver) notice(n push.Notice) poller.Notice {
	out := poller.Notice{
		ConferenceID: n.ConferenceID, Scene: sceneOf(n.Scene), Time: n.Time, Look: n.Look,
		Gone: n.Look && (n.Scene == push.MemberLeft || n.Scene == push.MemberKicked),
		Description: diff.Description{
			Title: n.Meeting.Title, CreatorID: n.Meeting.CreatorID, CreatorNick: n.Meeting.CreatorNick,
			StartTime: n.Meeting.StartTime,
		},
		Rows: append([]diff.Row(nil), n.Rows...),
	}
	if r.hider == nil {
		return out
	}
	d := &out.Description
	r.hider.HideCreator(&d.CreatorID, &d.CreatorNick, &d.Title)
	for i := range out.Rows {
		r.hider.HideRow(n.ConferenceID, &out.Rows[i])
	}
	return out
}

func sceneOf(s push.Scene) poller.Scene {
	switch s {
	case push.MeetingCreated:
		return poller.Created
	case push.MeetingClosed:
		return poller.Closed
	default:
		return poller.Members
	}
}
