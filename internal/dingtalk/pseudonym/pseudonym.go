// Package pseudonym keeps people's names out of everything behind it: the events, the stored states
// and the API.
package pseudonym

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/poller"
)

const (
	// idLength is the length of a pseudonym's hash in bytes: enough that no two people of an
	// organisation ever share one.
	idLength = 16
	// nickLength is that of a guest's, who is told apart from those of the same meeting only.
	nickLength = 6
)

// Upstream is where meetings are read and found.
type Upstream interface {
	poller.Source
	OngoingMeetings(ctx context.Context) (api.Ongoing, error)
}

// Source reads from upstream and gives everybody a pseudonym: a keyed hash instead of the unionId,
// and no nickname. With the key and a unionId the pseudonym can be computed; the way back is closed
// to everybody. A guest, who has no unionId, has none here either, and a hash instead of the
// nickname. Titles are dropped, as people write into them whom a meeting is about.
type Source struct {
	upstream Upstream
	key      []byte
	titles   bool
}

// Options of a [Source].
type Options struct {
	Key    string // of the hash
	Titles bool   // are kept, but for the name of who called the meeting
}

var _ poller.Source = (*Source)(nil)

// NewSource returns a source of pseudonyms.
func NewSource(upstream Upstream, opts Options) *Source {
	return &Source{upstream: upstream, key: []byte(opts.Key), titles: opts.Titles}
}

// Members reads a member list.
func (s *Source) Members(ctx context.Context, conferenceID string) (poller.List, error) {
	list, err := s.upstream.Members(ctx, conferenceID)
	if err != nil {
		return poller.List{}, discreet(err)
	}
	for i := range list.Rows {
		s.HideRow(conferenceID, &list.Rows[i])
	}
	return list, nil
}

// Info reads what is known of the meeting itself.
func (s *Source) Info(ctx context.Context, conferenceID string) (poller.Info, error) {
	info, err := s.upstream.Info(ctx, conferenceID)
	if err != nil {
		return poller.Info{}, discreet(err)
	}
	s.HideCreator(&info.CreatorID, &info.CreatorNick, &info.Title)
	return info, nil
}

// OngoingMeetings lists the organisation's live meetings.
func (s *Source) OngoingMeetings(ctx context.Context) (api.Ongoing, error) {
	list, err := s.upstream.OngoingMeetings(ctx)
	if err != nil {
		return api.Ongoing{}, discreet(err)
	}
	for i := range list.Meetings {
		m := &list.Meetings[i]
		s.HideCreator(&m.CreatorID, &m.CreatorNick, &m.Title)
	}
	return list, nil
}

func (s *Source) creator(id string) string {
	if id == "" {
		return ""
	}
	return s.pseudonym("person", id, idLength)
}

// without takes a nickname out of a title: DingTalk names a meeting after the person who called it,
// unless that person named it.
func without(title, nick string) string {
	if nick == "" {
		return title
	}
	return strings.TrimSpace(strings.ReplaceAll(title, nick, ""))
}

// HideCreator replaces what names the creator of a meeting, in a push.
func (s *Source) HideCreator(id, nick, title *string) {
	*title = s.Title(without(*title, *nick))
	*id, *nick = s.creator(*id), ""
}

// Title is what is left of the title of a meeting.
func (s *Source) Title(title string) string {
	if !s.titles {
		return ""
	}
	return title
}

// HideRow replaces what names a person. Guests without a unionId are told apart as they are
// elsewhere, by nickname and joinTime, and within one meeting only: the same nickname elsewhere may
// be somebody else. Who gets another nickname, or a joinTime, is recognised as the same guest just
// as without pseudonyms.
func (s *Source) HideRow(conferenceID string, row *diff.Row) {
	if row.UnionID != "" {
		row.UnionID, row.UserNick = s.pseudonym("person", row.UnionID, idLength), ""
		return
	}
	row.UserNick = s.pseudonym("guest", conferenceID+"\x00"+row.UserNick, nickLength)
}

// OfPerson is what somebody is called with the key.
func OfPerson(key, unionID string) string { return (&Source{key: []byte(key)}).creator(unionID) }

// OfGuest is what a guest of a meeting is called with the key.
func OfGuest(key, conferenceID, nick string) string {
	row := diff.Row{UserNick: nick}
	(&Source{key: []byte(key)}).HideRow(conferenceID, &row)
	return row.UserNick
}

// discreet returns an error without what it quotes of a reply: one that cannot be read may name
// people all the same.
func discreet(err error) error {
	var told *api.Error
	if !errors.As(err, &told) {
		return err
	}
	silent := *told
	silent.Message = ""
	if silent.Status != 0 { // the cause lies in the reply
		silent.Err = nil
	}
	if source, ok := errors.AsType[*poller.SourceError](err); ok {
		return &poller.SourceError{Trouble: source.Trouble, Wait: source.Wait, Err: &silent}
	}
	return &silent
}

// pseudonym hashes an id to so many bytes. kind keeps people and guests apart, whatever a guest
// calls himself.
func (s *Source) pseudonym(kind, id string, length int) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(kind + "\x00" + id))
	return kind[:1] + "-" + hex.EncodeToString(mac.Sum(nil)[:length])
}
