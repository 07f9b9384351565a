"""Anima: avatars that remember, feel and learn, on serverless functions and one Postgres."""
