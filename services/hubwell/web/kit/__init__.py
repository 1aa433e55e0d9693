"""What all pages share: rendering, navigation, language, formatting, forms."""
