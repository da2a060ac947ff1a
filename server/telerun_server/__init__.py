"""The queue service: takes jobs from notebooks, hands them to executors, and keeps what came of them."""
