"""What people hear of, why, and when again."""
