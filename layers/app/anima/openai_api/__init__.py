"""The door for programs that speak OpenAI's protocol: avatars are models there, under /v1."""
