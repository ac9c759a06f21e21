"""From what queries return to what the API shows, by subject. No decisions here: labels and actions come from where pages get them."""
