exports.wrap = () => "under foil of rose";
