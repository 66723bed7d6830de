package config

// Bot says what `rollcall bot` tells whom.
type Bot struct {
	Rules string `name:"bot-rules" aliases:"rules" placeholder:"FILE" help:"YAML file that names the group robots and says what they are told; also --rules."`
}

// Validate checks the group.
func (b Bot) Validate() error {
	if b.Rules == "" {
		return Usagef("bot-rules", "is required: a YAML file that names the group robots and says what they are told")
	}
	return nil
}
