"""What `evalcommons demo` shows: GSM8K's test questions, and what four systems answered to them."""
