package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// RobotState is a group robot: what it has said, and how it was treated. All times are Unix
// milliseconds.
type RobotState struct {
	Token string `json:"token"`
	// Said are the messages in the group, oldest first: the last 10,000.
	Said []RobotMessage `json:"said"`
	// Calls counts the messages that were sent with a good signature, Repeated those of them that
	// had been said before, and Throttled those that were too many or came during a block.
	Calls     int `json:"calls"`
	Repeated  int `json:"repeated"`
	Throttled int `json:"throttled"`
	// MaxPerMinute is the most calls that came within any minute.
	MaxPerMinute int `json:"maxPerMinute"`
	// BlockedUntil is when the block ends, or ended; 0 when there was none.
	BlockedUntil int64 `json:"blockedUntil"`
}

// RobotMessage is one message in a group.
type RobotMessage struct {
	At    int64  `json:"at"`
	UUID  string `json:"msgUuid"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

const (
	// maxSaid bounds how many messages a robot remembers.
	maxSaid = 10_000
	// signLife is how far the time stamp of a signature may be from now.
	signLife = time.Hour
	// maxMarkdown is the most bytes of a message.
	maxMarkdown = 20_000
)

// robot is a custom group robot. The caller holds the simulator's lock.
type robot struct {
	settings RobotSettings
	state    RobotState
	known    map[string]bool // the msgUuid of what was said
	times    []int64         // of the calls of the last minute, oldest first
}

func newRobots(settings []RobotSettings) []*robot {
	out := make([]*robot, len(settings))
	for i, s := range settings {
		out[i] = &robot{settings: s, state: RobotState{Token: s.Token, Said: []RobotMessage{}}, known: map[string]bool{}}
	}
	return out
}

// Robots returns the group robots as they are, in the order of the settings.
func (s *Simulator) Robots() []RobotState {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]RobotState, len(s.robots))
	for i, r := range s.robots {
		out[i] = r.state
		out[i].Said = append([]RobotMessage{}, r.state.Said...)
	}
	return out
}

// robot returns the robot with a token, or nil.
func (s *Simulator) robot(token string) *robot {
	for _, r := range s.robots {
		if same(token, r.settings.Token) {
			return r
		}
	}
	return nil
}

// signed says whether a signature is right for a time stamp that is not too far from now.
func (r *robot) signed(signature string, timestamp int64, now time.Time) bool {
	if d := now.Sub(time.UnixMilli(timestamp)); d > signLife || d < -signLife {
		return false
	}
	return same(signature, robotSign(r.settings.Secret, timestamp))
}

// robotSign is the signature that DingTalk documents, without the escaping for a query.
func robotSign(secret string, timestamp int64) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(decimal(timestamp) + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// take counts a call, and says whether the limit lets it pass.
func (r *robot) take(now int64) bool {
	r.state.Calls++
	for len(r.times) > 0 && r.times[0] <= now-time.Minute.Milliseconds() {
		r.times = r.times[1:]
	}
	r.times = append(r.times, now)
	r.state.MaxPerMinute = max(r.state.MaxPerMinute, len(r.times))
	if now < r.state.BlockedUntil {
		r.state.Throttled++
		return false
	}
	if len(r.times) > r.settings.PerMinute {
		r.block(now)
		return false
	}
	return true
}

// block makes the robot take nothing for a while.
func (r *robot) block(now int64) {
	r.state.Throttled++
	r.state.BlockedUntil = now + time.Duration(r.settings.Block).Milliseconds()
}

// say says a message, unless one with its msgUuid was said already.
func (r *robot) say(m RobotMessage) {
	if m.UUID != "" && r.known[m.UUID] {
		r.state.Repeated++
		return
	}
	r.known[m.UUID] = true
	if r.state.Said = append(r.state.Said, m); len(r.state.Said) > maxSaid {
		delete(r.known, r.state.Said[0].UUID)
		r.state.Said = r.state.Said[1:]
	}
}
