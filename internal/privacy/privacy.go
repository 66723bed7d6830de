// Package privacy keeps people's names out of everything behind it: the events, the stored states and the API.
package privacy

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// idLength is the length of a pseudonym's hash in bytes: enough that no two people of an organisation ever share one.
const idLength = 16

// Source reads from another source and gives everybody a pseudonym: a keyed hash instead of the unionId, and no
// nickname. Whoever has the key and a unionId can compute the pseudonym; nobody can go back.
type Source struct {
	source poller.Source
	key    []byte
}

var _ poller.Source = (*Source)(nil)

// NewSource returns a source of pseudonyms.
func NewSource(source poller.Source, key string) *Source {
	return &Source{source: source, key: []byte(key)}
}

// Members reads a member list.
func (s *Source) Members(ctx context.Context, conferenceID string) (poller.List, error) {
	list, err := s.source.Members(ctx, conferenceID)
	if err != nil {
		return poller.List{}, err
	}
	for i := range list.Rows {
		s.hide(conferenceID, &list.Rows[i])
	}
	return list, nil
}

// Info reads what is known of the meeting itself.
func (s *Source) Info(ctx context.Context, conferenceID string) (poller.Info, error) {
	info, err := s.source.Info(ctx, conferenceID)
	info.CreatorNick = ""
	if info.CreatorID != "" {
		info.CreatorID = s.pseudonym("person", info.CreatorID)
	}
	return info, err
}

// hide replaces what names a person. Guests without a unionId are told apart as they are elsewhere, by nickname and
// joinTime, and within one meeting only: the same nickname elsewhere may be somebody else.
func (s *Source) hide(conferenceID string, row *diff.Row) {
	if row.UnionID != "" {
		row.UnionID = s.pseudonym("person", row.UnionID)
	} else {
		row.UnionID = s.pseudonym("guest", conferenceID+"\x00"+strconv.FormatInt(row.JoinTime, 10)+"\x00"+row.UserNick)
	}
	row.UserNick = ""
}

// pseudonym hashes an id. kind keeps people and guests apart, whatever a guest calls himself.
func (s *Source) pseudonym(kind, id string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(kind + "\x00" + id))
	return kind[:1] + "-" + hex.EncodeToString(mac.Sum(nil)[:idLength])
}
