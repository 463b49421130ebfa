"""The LiveKit side of the local Atlas: an SFU whose one publisher is the avatar."""
