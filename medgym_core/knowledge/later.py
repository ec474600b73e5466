"""The shipped knowledge base, opened by the first search or read: an episode that needs none does not pay for it."""

from typing import Any


class ShippedKnowledge:
    """Stands for `KnowledgeBase.shipped()` and makes it when first used."""

    def search(self, *arguments: Any, **options: Any) -> Any:
        """As `KnowledgeBase.search`."""
        return self._base().search(*arguments, **options)

    def read(self, passage_id: str) -> Any:
        """As `KnowledgeBase.read`."""
        return self._base().read(passage_id)

    def document(self, key: str) -> Any:
        """As `KnowledgeBase.document`."""
        return self._base().document(key)

    def _base(self) -> Any:
        from medgym_core.knowledge.search import KnowledgeBase

        return KnowledgeBase.shipped()
