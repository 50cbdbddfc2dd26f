"""What travels over HTTP: one module per topic. `to_domain` makes the domain's words of it, `of` is the way back."""
