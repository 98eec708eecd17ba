"""What has been heard of finance: budget lines, and the aid of firms that was declared there."""
